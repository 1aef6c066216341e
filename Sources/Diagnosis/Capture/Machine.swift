internal import Glibc
internal import RAPL
internal import Synchronization
public import SystemCalls

/// The machine that is looked at: this one, a folder that stands for one, or one that was captured. It remembers all that
/// it was asked, so that it can be captured. Nothing of it is ever changed.
public final class Machine: Files {
  private struct Memory {
    var texts: [String: String] = [:]
    var folders: Set<String> = []
    var capture = Capture()
  }

  /// Empty for the machine itself.
  let root: String
  /// What is replayed; nil where the machine is there to be asked.
  let replayed: Capture?
  private let memory = Mutex(Memory())

  /// This machine, or the folder that stands for one.
  ///
  /// - Throws: what is wrong with the captured tree in that folder.
  public init(root: String?) throws(CaptureError) {
    var root = root ?? ""
    // By bytes, as all paths: to Swift, a slash and an accent behind it are one character.
    while root.utf8.last == UInt8(ascii: "/") && root.utf8.count > 1 { root.unicodeScalars.removeLast() }
    self.root = root
    replayed = root.isEmpty ? nil : try Capture(in: root)
  }

  /// Whether it is the one that this program runs on.
  var isOwn: Bool { root.isEmpty }

  /// A path as findings show it: one of a captured machine as it was there.
  func shown(_ path: String) -> String { replayed == nil ? path : "/\(relative(path))" }

  /// Reads a text file, by a path that begins with the root.
  public func text(_ path: String) throws(FileError) -> String {
    let relative = relative(path)
    do {
      let text = try TextFile.read(path)
      memory.withLock { $0.texts[relative] = text }
      return text
    } catch {
      throw failed(relative, error)
    }
  }

  /// The names in a folder, by a path that begins with the root.
  public func names(in folder: String) throws(FileError) -> [String] {
    let relative = relative(folder)
    do {
      let names = try Folder.names(in: folder)
      memory.withLock { _ = $0.folders.insert(relative) }
      return names
    } catch {
      throw failed(relative, error)
    }
  }

  /// Whether a file is there.
  func has(_ path: String) -> Bool { (try? permissions(path)) != nil }

  /// The permissions of a file.
  func permissions(_ path: String) throws(FileError) -> FilePermissions {
    let relative = relative(path)
    do throws(FileError) {
      let permissions: FilePermissions
      if let replayed {
        // A captured file is there with its contents only.
        guard let known = replayed.permissions[relative] else { throw FileError(path: path, errno: ENOENT) }
        permissions = known
      } else {
        permissions = try FilePermissions(of: path)
      }
      memory.withLock { $0.capture.permissions[relative] = permissions }
      return permissions
    } catch {
      throw failed(relative, error)
    }
  }

  /// Asks for what is no file.
  ///
  /// - Returns: what `ask` says, or said when the machine was captured.
  func answer(_ question: String, _ ask: () -> String?) -> String? {
    let answer = replayed.map { $0.answers[question] } ?? ask()
    if let answer { memory.withLock { $0.capture.answers[question] = answer } }
    return answer
  }

  /// Remembers a register that was read.
  func remember(_ address: UInt32, cpu: Int, _ value: Result<UInt64, CapturedErrno>) {
    memory.withLock { memory in
      let register = Capture.Register(cpu: cpu, address: address)
      switch (value, memory.capture.registers[register]) {
      // The first and the last are enough to tell whether it moves.
      case (.success(let value), .read(let values)?): memory.capture.registers[register] = .read([values[0], value])
      case (.success(let value), _): memory.capture.registers[register] = .read([value])
      case (.failure(let error), _): memory.capture.registers[register] = .failed(errno: error.errno)
      }
    }
  }

  /// Remembers a file that could not be opened.
  func remember(_ path: String, errno: Int32) {
    memory.withLock { $0.capture.errors[relative(path)] = errno }
  }

  /// Writes down all that was read, into a folder that is empty or not there yet.
  public func capture(in folder: String) throws(CaptureError) {
    let (texts, folders, capture) = memory.withLock { ($0.texts, $0.folders, $0.capture) }
    try CaptureFolder(folder).write(texts: texts, folders: folders, capture)
  }

  /// A path from the root on, without the root's slash.
  func relative(_ path: String) -> String {
    String(decoding: path.utf8.dropFirst(root.utf8.count).drop { $0 == UInt8(ascii: "/") }, as: UTF8.self)
  }

  private func failed(_ relative: String, _ error: FileError) -> FileError {
    let errno = replayed?.errors[relative] ?? error.errno
    memory.withLock { $0.capture.errors[relative] = errno }
    return FileError(path: error.path, errno: errno)
  }
}

/// Why a register could not be read: an errno value.
struct CapturedErrno: Error {
  let errno: Int32
}
