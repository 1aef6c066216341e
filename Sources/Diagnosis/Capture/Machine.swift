internal import Glibc
public import PowerSources
internal import Synchronization
public import SystemCalls

/// The machine under examination: this one, a folder that stands for one, or a captured one. It remembers all answers, so
/// that it can be captured. It is never changed.
public final class Machine: MachineFiles {
  private struct Memory {
    var texts: [String: String] = [:]
    var capture = Capture()
  }

  /// The folder; empty for the machine itself.
  let root: String
  /// The capture to replay; nil for a machine that can be asked.
  let replay: Replay?
  private let files: any MachineFiles
  private let memory = Mutex(Memory())

  /// This machine, or the folder that stands for one.
  ///
  /// - Throws: if the capture in that folder is damaged.
  public init(root: String?) throws(CaptureError) {
    var root = root ?? ""
    // Compared as bytes, as for all paths: to Swift, a slash followed by a combining accent is one character.
    while root.utf8.last == UInt8(ascii: "/") && root.utf8.count > 1 { root.unicodeScalars.removeLast() }
    self.root = root
    let capture = root.isEmpty ? nil : try Capture(in: root)
    replay = capture.map { Replay($0) }
    if let trace = capture?.trace { memory.withLock { $0.capture.trace = trace } }
    files = capture.map { CapturedFiles(root: root, $0) } ?? SystemFiles(root: root)
  }

  /// The capture; nil for a machine that can be asked.
  var replayed: Capture? { replay?.capture }

  /// Whether it is the machine that this program runs on.
  var isOwn: Bool { root.isEmpty }

  /// The source's view of it, of which it remembers all answers.
  var tree: MachineTree { MachineTree(root: root, files: self, replay: replay) }

  /// A path for findings: on a captured machine, the path that it had there.
  func shown(_ path: String) -> String { replayed == nil ? path : "/\(relative(path))" }

  /// Reads a text file. The path begins with the root.
  public func text(_ path: String) throws(FileError) -> String {
    let relative = relative(path)
    do {
      let text = try files.text(path)
      memory.withLock { $0.texts[relative] = text }
      return text
    } catch {
      throw failed(relative, error)
    }
  }

  /// The names in a folder. The path begins with the root.
  public func names(in folder: String) throws(FileError) -> [String] {
    let relative = relative(folder)
    do {
      let names = try files.names(in: folder)
      memory.withLock { $0.capture.folders[relative] = names.sorted() }
      return names
    } catch {
      throw failed(relative, error)
    }
  }

  /// Whether a file exists.
  public func has(_ path: String) -> Bool { (try? permissions(path)) != nil }

  /// The permissions of a file.
  func permissions(_ path: String) throws(FileError) -> FilePermissions {
    let relative = relative(path)
    // Nothing that a copy of the capture could contain: a missing answer may only mean that the question was not asked.
    if let replayed, replayed.permissions[relative] == nil, replayed.errors[relative] == nil {
      throw FileError(path: path, errno: ENOENT)
    }
    do throws(FileError) {
      let permissions: FilePermissions
      if let replayed {
        // A capture holds only the contents of files.
        guard let known = replayed.permissions[relative] else {
          throw FileError(path: path, errno: replayed.errors[relative] ?? ENOENT)
        }
        permissions = known
      } else {
        permissions = try FilePermissions(of: path, root: root)
      }
      memory.withLock { $0.capture.permissions[relative] = permissions }
      return permissions
    } catch {
      throw failed(relative, error)
    }
  }

  /// Asks a question that no file answers.
  ///
  /// - Returns: the result of `ask`, or the answer in the capture.
  func answer(_ question: String, _ ask: () -> String?) -> String? {
    let answer = replayed.map { $0.answers[question] } ?? ask()
    if let answer { memory.withLock { $0.capture.answers[question] = answer } }
    return answer
  }

  /// Remembers a register that was read.
  func remember(_ address: UInt32, cpu: Int, _ value: Result<UInt64, CapturedErrno>) {
    memory.withLock {
      $0.capture.registers[Capture.Register(cpu: cpu, address: address), default: .read([])].add(value)
    }
  }

  /// Whether a zone shows what this service measured itself, so that it must not measure it again.
  func isOwnTree(_ path: String) -> Bool {
    answer("own tree \(relative(path))") { PowercapCounter.isOwn(path, root: root) ? "yes" : nil } != nil
  }

  /// Reads the energy of a powercap zone, in microjoules. A captured zone gives its first value, and after that its last.
  ///
  /// - Parameter path: the path of its energy_uj.
  func energy(ofZone path: String) -> Result<UInt64, CapturedErrno> {
    let value: Result<UInt64, CapturedErrno>
    if let replay {
      let error = replay.zoneError(path).map { CapturedErrno(errno: $0) }
      value = error.map { .failure($0) } ?? .success((try? replay.energy(ofZone: path)) ?? 0)
    } else {
      do {
        let number = PowercapCounter.microjoules(try TextFile.read(path, root: root).utf8)
        value = number.map { .success($0) } ?? .failure(.noNumber)
      } catch {
        value = .failure(CapturedErrno(errno: error.errno))
      }
    }
    memory.withLock { $0.capture.zones[PathParts(PathParts(path).folder).name, default: .read([])].add(value) }
    return value
  }

  /// Remembers a file that could not be opened.
  func remember(_ path: String, errno: Int32) {
    memory.withLock { $0.capture.errors[relative(path)] = errno }
  }

  /// Readings of the counters over some seconds, if there are any.
  var trace: Trace? { memory.withLock { $0.capture.trace } }

  /// Remembers such readings.
  func remember(_ trace: Trace) { memory.withLock { $0.capture.trace = trace } }

  /// Makes sure that the capture can be saved in a folder, before the work begins.
  public func prepareCapture(in folder: String) throws(CaptureError) { try CaptureFolder(folder).claim() }

  /// Saves everything that was read, in a folder that is empty or does not exist yet.
  public func capture(in folder: String) throws(CaptureError) {
    let (texts, capture) = memory.withLock { ($0.texts, $0.capture) }
    try CaptureFolder(folder).write(texts: texts, capture)
  }

  /// A path relative to the root, without a leading slash.
  func relative(_ path: String) -> String { relativePath(path, to: root) }

  private func failed(_ relative: String, _ error: FileError) -> FileError {
    memory.withLock { $0.capture.errors[relative] = error.errno }
    return error
  }
}

/// Why a counter could not be read: an errno value.
struct CapturedErrno: Error, Equatable {
  /// It could be read, and holds no number.
  static let noNumber = CapturedErrno(errno: EINVAL)

  let errno: Int32
}

extension Capture.Values {
  /// Adds the result of reading the counter now.
  fileprivate mutating func add(_ value: Result<UInt64, CapturedErrno>) {
    switch value {
    case .success(let value): add(value)
    case .failure(let error): self = .failed(errno: error.errno)
    }
  }
}
