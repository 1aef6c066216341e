internal import Dispatch
internal import Glibc
internal import Subprocess
internal import Synchronization
internal import SystemPackage

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

extension TurbostatExecutable {
  private static let mostBytes = 32_768
  private static let patience = Duration.seconds(5)

  /// The output of turbostat --version, "turbostat version 2022.10.04 - Len Brown <lenb@kernel.org>", or why there is none. Waits
  /// for it, five seconds at most.
  public static func version(of path: String) -> String { answer(of: path, to: "--version") }

  /// Whether it can read the kernel's energy events instead of the registers, as its --help says; nil if that does not answer. Waits
  /// as long for that.
  public static func readsEvents(at path: String) -> Bool? {
    let help = answer(of: path, to: "--help")
    return help.contains(Turbostat.withoutEvents) ? true : help.contains("--interval") ? false : nil
  }

  private static func answer(of path: String, to option: String) -> String {
    let inbox = Answer()
    Task.detached { inbox.put(await ask(path, option)) }
    return inbox.take()
  }

  private static func ask(_ path: String, _ option: String) async -> String {
    await withTaskGroup(of: String.self) { group in
      group.addTask { await said(by: path, to: option) }
      group.addTask {
        // Cancelled if the answer came first: then nobody reads this.
        try? await Task.sleep(for: patience)
        return "no answer in \(patience)"
      }
      let first = await group.next() ?? ""
      group.cancelAll()
      return first
    }
  }

  private static func said(by path: String, to option: String) async -> String {
    do {
      let result = try await Subprocess.run(
        .path(FilePath(path)), arguments: [option], environment: .inherit.updating(["LC_ALL": "C"]), input: .none,
        output: .string(limit: mostBytes), error: .string(limit: mostBytes))
      return result.standardOutput + result.standardError
    } catch {
      return "\(error)"
    }
  }
}

/// A text that one thread waits for, and another provides.
private final class Answer: Sendable {
  private let text = Mutex("")
  private let isThere = DispatchSemaphore(value: 0)

  func put(_ answer: String) {
    text.withLock { $0 = answer }
    isThere.signal()
  }

  func take() -> String {
    isThere.wait()
    return text.withLock { $0 }
  }
}
