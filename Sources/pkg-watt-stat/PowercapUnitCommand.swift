internal import ArgumentParser
internal import Glibc
internal import PowercapMount
internal import SystemCalls

/// What root does for pkg-watt-stat-powercap.service: the unit starts it, and nobody else needs it.
struct PowercapUnitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "powercap-unit", abstract: "A step of pkg-watt-stat-powercap.service, taken by root.",
    discussion: """
      attach mounts the powercap tree in /run/pkg-watt-stat/powercap, cover puts its energy_uj files in the place of the kernel's, \
      and remove takes both away.
      """,
    shouldDisplay: false)

  @Argument(
    help: "attach, cover or remove.",
    transform: { word in
      guard let step = UnitTree.Step(rawValue: word) else { throw ValidationError("There is no step '\(word)'.") }
      return step
    })
  var step: UnitTree.Step

  func run() throws {
    let server = unsafe getenv("MAINPID").flatMap { unsafe Int32(String(cString: $0)) }
    for sentence in try UnitTree.perform(step, server: server) { StandardError.complain(sentence) }
  }
}
