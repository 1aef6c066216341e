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

  /// Why a counter that can be read has no value: it holds no number.
  static let noNumber = EINVAL

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
    let root = MachineTree(root: root).root
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
    try remembered(path, in: \.texts) { () throws(FileError) in try files.text(path) }
  }

  /// The names in a folder. The path begins with the root.
  public func names(in folder: String) throws(FileError) -> [String] {
    try remembered(folder, in: \.capture.folders) { () throws(FileError) in try files.names(in: folder).sorted() }
  }

  /// Whether a file exists.
  public func has(_ path: String) -> Bool { (try? permissions(path)) != nil }

  /// The permissions of a file.
  func permissions(_ path: String) throws(FileError) -> FilePermissions {
    guard let replayed else {
      return try remembered(path, in: \.capture.permissions) { () throws(FileError) in
        try FilePermissions(of: path, root: root)
      }
    }
    // A capture holds only the contents of files. A missing answer may only mean that the question was not asked, so a copy of the
    // capture has none either.
    let (known, errno) = (replayed.permissions[relative(path)], replayed.errors[relative(path)])
    guard known != nil || errno != nil else { throw FileError(path: path, errno: ENOENT) }
    return try remembered(path, in: \.capture.permissions) { () throws(FileError) in
      guard let known else { throw FileError(path: path, errno: errno ?? ENOENT) }
      return known
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
  func remember(_ address: UInt32, cpu: Int, _ value: Trace.Reading) {
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
  func energy(ofZone path: String) -> Trace.Reading {
    let value: Trace.Reading
    if let replay {
      value = replay.zoneError(path).map { .failed(errno: $0) } ?? .value((try? replay.energy(ofZone: path)) ?? 0)
    } else {
      do {
        let number = PowercapCounter.microjoules(try TextFile.read(path, root: root).utf8)
        value = number.map { .value($0) } ?? .failed(errno: Self.noNumber)
      } catch {
        value = .failed(errno: error.errno)
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
  public func prepareCapture(in folder: String) throws(CaptureError) { try Capture.claim(folder) }

  /// Saves everything that was read, in a folder that is empty or does not exist yet.
  public func capture(in folder: String) throws(CaptureError) {
    let (texts, capture) = memory.withLock { ($0.texts, $0.capture) }
    try capture.write(texts: texts, to: folder)
  }

  /// A path relative to the root, without a leading slash.
  func relative(_ path: String) -> String { relativePath(path, to: root) }

  /// Asks something of a path, and remembers the answer, or why there is none.
  private func remembered<Answer: Sendable>(
    _ path: String, in answers: WritableKeyPath<Memory, [String: Answer]>, _ ask: () throws(FileError) -> Answer
  ) throws(FileError) -> Answer {
    do throws(FileError) {
      let answer = try ask()
      memory.withLock { $0[keyPath: answers][relative(path)] = answer }
      return answer
    } catch {
      remember(path, errno: error.errno)
      throw error
    }
  }
}
