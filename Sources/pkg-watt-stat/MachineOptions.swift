internal import ArgumentParser
internal import Glibc
internal import Turbostat

/// Which machine a diagnosis examines, and with which turbostat.
struct MachineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read dev/cpu, sys and proc/cpuinfo of this folder instead of the machine's own.", valueName: "dir"))
  var root: String?

  @Option(
    help: ArgumentHelp(
      "The turbostat to run. Default: the first one in PATH and the system's folders.", valueName: "path"))
  var turbostat: String?

  func validate() throws {
    if root == "" { throw ValidationError("--root needs the path of a folder.") }
  }

  /// The turbostat to run.
  func turbostatPath() throws(TurbostatMissing) -> String {
    try TurbostatExecutable.choose(turbostat)
  }
}
