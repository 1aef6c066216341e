internal import PowerSources
internal import RAPL

extension Examination {
  /// Examines the kernel's energy events, as the service opens them.
  mutating func lookAtEvents() {
    let (failed, absent) = ("failed ", "absent ")
    let answer = machine.answer("perf") { () -> String? in
      // A folder that stands for a machine has no events.
      guard machine.isOwn else { return nil }
      do throws(SourceError) {
        return try EnergySources.perf(domains: Set(PowerDomain.allCases)).summary
      } catch .events(let error) where error.isAbsence {
        return "\(absent)\(SourceError.events(error).reason)"
      } catch {
        return "\(failed)\(error.reason)\n\(fix(error) ?? "")"
      }
    }
    guard let answer else { return }
    if answer.hasPrefix(absent) {
      // Kernels have them for the same CPUs as powercap, which says what to do.
      return skip(
        .perf, String(answer.dropFirst(absent.count)) + (measuredBy.isEmpty ? "" : " They are not needed here."))
    }
    guard answer.hasPrefix(failed) else {
      guard machine.isOwn else {
        return ok(.perf, "The kernel's energy events counted, but a capture cannot replay them: \(answer).")
      }
      measuredBy.append("perf")
      return ok(.perf, "The kernel's energy events count: \(answer).")
    }
    let lines = answer.dropFirst(failed.count).split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    obstruct(.perf, String(lines[0]), fix: lines.last.flatMap { lines.count > 1 && !$0.isEmpty ? String($0) : nil })
  }
}
