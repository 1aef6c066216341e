internal import Glibc

/// The program that serves the tree. It is not a part of this one, because it needs libfuse3.
public struct TreeProgram: Sendable {
  private static let name = "powercap-tree"
  private static let installed = "/usr/lib/pkg-watt-stat/powercap-tree"

  /// Its path.
  let path: String

  /// Finds it: in the checkout that this program was built in, or else where packages install it.
  public init() throws(TreeError) {
    let build = Self.build
    let places = (build.map { ["\($0.folder)/\(Self.name)/\($0.configuration)/\(Self.name)"] } ?? []) + [Self.installed]
    guard let path = places.first(where: { unsafe access($0, X_OK) == 0 }) else {
      throw .noProgram(
        install: build == nil
          ? "Install the package pkg-watt-stat-powercap (from a checkout: scripts/install --powercap)."
          : "Build it: scripts/setup --powercap && scripts/packaging/powercap-tree (or install the package pkg-watt-stat-powercap)"
      )
    }
    self.path = path
  }

  /// The .build folder with this program, and how it was built; nil if it is installed.
  private static var build: (folder: String, configuration: Substring)? {
    guard let program = unsafe realpath("/proc/self/exe", nil) else { return nil }
    defer { unsafe free(program) }
    let path = unsafe String(cString: program)
    // .build/TRIPLE/CONFIGURATION/pkg-watt-stat; other builds are kept beside it, as .build-thread.
    guard let found = path.firstRange(of: "/.build"), let configuration = path.split(separator: "/").dropLast().last
    else {
      return nil
    }
    return (path[..<found.lowerBound] + "/.build", configuration)
  }
}
