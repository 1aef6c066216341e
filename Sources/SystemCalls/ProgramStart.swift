internal import CMSRShim
internal import Glibc

/// This process's arguments, byte for byte: `CommandLine.arguments` repairs what is not UTF-8, and a repaired path would name
/// another file.
public enum ArgumentBytes {
  /// The arguments after the program's name, without the zeros at their ends.
  public static var all: [[UInt8]] {
    (1..<max(Int(CommandLine.argc), 1)).compactMap { index in
      guard let word = unsafe CommandLine.unsafeArgv[index] else { return nil }
      return unsafe UnsafeBufferPointer(start: word, count: strlen(word)).map { UInt8(bitPattern: $0) }
    }
  }

  /// The first argument that is not valid UTF-8, repaired; nil if all are. The words after -- are a command for `run`, which gets
  /// them byte for byte.
  public static func firstNotUTF8(of words: [[UInt8]]) -> String? {
    words.prefix { $0 != Array("--".utf8) }.first { String(validating: $0, as: UTF8.self) == nil }
      .map { String(decoding: $0, as: UTF8.self) }
  }
}

/// The checkout that this program was built in.
public struct Checkout: Sendable {
  /// Its folder.
  public let folder: String
  /// How the program was built: "debug" or "release".
  public let configuration: String

  /// nil for an installed program.
  public static let own: Checkout? = {
    guard let program = unsafe realpath("/proc/self/exe", nil) else { return nil }
    defer { unsafe free(program) }
    let path = unsafe String(cString: program)
    // SwiftPM builds in .build/TRIPLE/CONFIGURATION; other builds are kept beside it, as .build-thread.
    guard let end = path.firstRange(of: "/.build")?.lowerBound,
      let configuration = path.split(separator: "/").dropLast().last
    else { return nil }
    return Checkout(folder: String(path[..<end]), configuration: String(configuration))
  }()
}

/// The descriptors that every program is given.
public enum StandardDescriptors {
  /// Opens /dev/null in place of each that is closed, so that no file gets the number of a closed stdout or stderr.
  public static func fill() throws(ClosedDescriptorError) {
    let error = cmsr_fill_standard_descriptors()
    if error != 0 { throw ClosedDescriptorError(errno: error) }
  }
}

/// stdin, stdout or stderr is closed, and /dev/null cannot be opened in its place.
public struct ClosedDescriptorError: Error, CustomStringConvertible {
  let errno: Int32

  /// What failed, why, and what to do.
  public var description: String {
    "stdin, stdout or stderr is closed, and /dev/null cannot be opened in its place: \(errorText(errno)). Start the program "
      + "with all three open."
  }
}
