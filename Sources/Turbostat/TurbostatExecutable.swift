internal import Glibc

/// Where turbostat is.
public enum TurbostatExecutable {
  /// Where Debian, Arch and their like keep it; an ordinary user's PATH often lacks these folders.
  private static let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]

  /// The first turbostat in PATH, then in the system's own folders.
  ///
  /// - Parameter searchPath: what the environment's PATH says.
  /// - Throws: `TurbostatMissing` where there is none.
  public static func find(searchPath: String?) throws(TurbostatMissing) -> String {
    let inPath = (searchPath ?? "").split(separator: ":").map { String($0) }
    for folder in inPath + folders where folder.hasPrefix("/") {
      let path = folder + "/turbostat"
      if unsafe access(path, X_OK) == 0 { return path }
    }
    throw TurbostatMissing(path: nil)
  }

  /// A turbostat that somebody named.
  public static func named(_ path: String) throws(TurbostatMissing) -> String {
    guard unsafe access(path, X_OK) == 0 else { throw TurbostatMissing(path: path) }
    return path
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
