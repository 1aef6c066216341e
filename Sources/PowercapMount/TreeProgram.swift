internal import Glibc
internal import SystemCalls

/// The program that serves the tree. It is not a part of this one, because it needs libfuse3.
public struct TreeProgram: Sendable {
  private static let name = "powercap-tree"
  private static let installed = "/usr/lib/pkg-watt-stat/powercap-tree"

  /// Its path.
  let path: String

  /// Finds it: in the checkout that this program was built in, or else where packages install it.
  public init() throws(TreeError) {
    let built = Checkout.own.map { "\($0.folder)/.build/\(Self.name)/\($0.configuration)/\(Self.name)" }
    let places = (built.map { [$0] } ?? []) + [Self.installed]
    guard let path = places.first(where: { unsafe access($0, X_OK) == 0 }) else {
      throw .noProgram(
        install: built == nil
          ? "Install the package pkg-watt-stat-powercap (from a checkout: scripts/install --powercap)."
          : "Build it: scripts/setup --powercap && scripts/packaging/powercap-tree (or install the package pkg-watt-stat-powercap)"
      )
    }
    self.path = path
  }
}
