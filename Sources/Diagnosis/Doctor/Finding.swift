/// One thing that the doctor found.
public struct Finding: Sendable, Equatable {
  /// How it bears on measuring.
  public enum Level: String, Sendable {
    /// As it should be, or good to know.
    case ok
    /// Measuring works, and could be better.
    case warning
    /// It keeps this machine from being measured.
    case failure
  }

  /// What it is about.
  public enum Topic: String, Sendable {
    case cpu = "CPU"
    case virtualMachine = "virtual machine"
    case container = "container"
    case topology = "packages"
    case devices = "msr"
    case capability = "capability"
    case lockdown = "lockdown"
    case registers = "registers"
    case powercap = "powercap"
    case trace = "trace"
    case turbostat = "turbostat"
    case service = "service"
    case monitors = "other monitors"
  }

  /// How it bears on measuring.
  public var level: Level
  /// What it is about.
  public let topic: Topic
  /// One sentence.
  public let text: String
  /// What to do about it: a command, or a sentence.
  public let fix: String?
}
