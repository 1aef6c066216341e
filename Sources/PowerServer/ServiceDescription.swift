/// What a service is, for whoever asks it.
public struct ServiceDescription: Sendable {
  /// Its version.
  public var version: String
  /// Where energy comes from: "msr", "powercap", "turbostat" or "simulated".
  public var source: String
  /// What the CPU says it is; nil where the source does not tell.
  public var cpu: String?
  /// What is measured and how, in one line for a person.
  public var summary: String

  /// A description.
  public init(version: String = "", source: String = "", cpu: String? = nil, summary: String = "") {
    self.version = version
    self.source = source
    self.cpu = cpu
    self.summary = summary
  }
}
