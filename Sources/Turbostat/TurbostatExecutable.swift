internal import Glibc

/// Finds turbostat.
public enum TurbostatExecutable {
  /// The folders of Debian, Arch and similar systems; an ordinary user's PATH often lacks them.
  private static let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]

  /// The turbostat that was named, else the first in PATH, else in the system's own folders.
  ///
  /// - Throws: `TurbostatMissing` if it is not there.
  public static func choose(_ named: String?) throws(TurbostatMissing) -> String {
    if let named {
      guard unsafe access(named, X_OK) == 0 else { throw TurbostatMissing(path: named) }
      return named
    }
    let searchPath = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
    for folder in searchPath.split(separator: ":").map(String.init) + folders where folder.hasPrefix("/") {
      let path = folder + "/turbostat"
      if unsafe access(path, X_OK) == 0 { return path }
    }
    throw TurbostatMissing(path: nil)
  }
}

/// turbostat is missing.
public struct TurbostatMissing: Error, CustomStringConvertible {
  /// The path that was named.
  let path: String?

  /// What is missing, and how to get it.
  public var description: String {
    let place = path.map { "\($0) is not an executable program" } ?? "turbostat is not installed"
    return "\(place); install turbostat (Debian: linux-cpupower, Arch: turbostat), or give its path with --turbostat."
  }
}
