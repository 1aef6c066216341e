internal import Glibc

/// Where turbostat is.
public enum TurbostatExecutable {
  /// Where Debian, Arch and their like keep it; an ordinary user's PATH often lacks these folders.
  private static let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]

  /// The turbostat that somebody named, else the first in PATH, else in the system's own folders.
  ///
  /// - Throws: `TurbostatMissing` where it is not there.
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

/// There is no turbostat.
public struct TurbostatMissing: Error, CustomStringConvertible {
  /// Where it was said to be.
  let path: String?

  /// What is missing, and how to get it.
  public var description: String {
    let place = path.map { "\($0) is no program that can be run" } ?? "There is no turbostat on this machine"
    return "\(place); install it (Debian: linux-cpupower, Arch: turbostat), or name it with --turbostat."
  }
}
