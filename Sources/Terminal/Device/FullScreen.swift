internal import CMSRShim
internal import Glibc
internal import SystemCalls

/// A terminal that is taken over for a full-screen view. It is restored when this value goes away.
///
/// SIGINT, SIGTERM, SIGHUP, SIGQUIT and others that end programs no longer end the process but become events. On SIGTSTP the
/// terminal is restored while the process is stopped.
public struct FullScreen: ~Copyable {
  /// The alternate screen, without cursor, and without a wrap at the right edge.
  private static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l"
  private static let leave = "\u{1B}[0m\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

  /// How long the rest of a key's sequence may take to arrive, in milliseconds: a slow line may bring it in parts.
  private static let keyPatience: Int32 = 25
  /// More keys are not taken at once.
  private static let mostBytes = 4096

  private let output: Int32
  private let keys: Int32
  private let signals: Descriptor
  private let both: Descriptor
  private let mode: termios
  private var isTaken = false

  /// Takes the terminal over.
  ///
  /// - Parameters:
  ///   - output: the terminal.
  ///   - keys: the terminal to read keys from; not used if it is not a terminal.
  /// - Throws: the system's error.
  public init(output: Int32, keys: Int32) throws(ScreenError) {
    let keys = isatty(keys) == 1 ? keys : -1
    var mode = termios()
    guard unsafe tcgetattr(output, &mode) == 0 else { throw ScreenError(errno: errno) }
    let arrived = cmsr_screen_signals()
    guard arrived.error == 0 else { throw ScreenError(errno: arrived.error) }
    let signals = Descriptor(owning: arrived.descriptor)
    let either = cmsr_either_readable(signals.number, keys)
    guard either.error == 0 else { throw ScreenError(errno: either.error) }
    self.output = output
    self.keys = keys
    self.mode = mode
    self.signals = signals
    both = Descriptor(owning: either.descriptor)
    take()
  }

  /// Readable once there is an event.
  public var descriptor: Int32 { both.number }

  /// The present size; 80 columns and 24 rows if the terminal does not tell.
  public var size: ScreenSize {
    var size = winsize()
    guard unsafe ioctl(output, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return ScreenSize(columns: 80, rows: 24)
    }
    return ScreenSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
  }

  /// The events since the last call. It waits only for the rest of a key's sequence, and while the process is stopped.
  public mutating func events() -> [ScreenEvent] {
    var events: [ScreenEvent] = []
    while case let signal = cmsr_next_signal(signals.number).number, signal != 0 {
      switch signal {
      case SIGWINCH: events.append(.redraw)
      // Another program may have changed the terminal's mode in the meantime.
      case SIGCONT: isTaken = false
      case SIGTSTP:
        giveBack()
        cmsr_stop()
      // No more drawing: the process may be in the background.
      default: return events + [.end]
      }
    }
    if !isTaken {
      take()
      events.append(.redraw)
    }
    guard keys >= 0, cmsr_wait_readable(keys, -1, -1, 0) == 0 else { return events }
    var bytes: [UInt8] = []
    repeat {
      var chunk = [UInt8](repeating: 0, count: 256)
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(keys, $0.baseAddress, $0.count) }
      // The terminal is gone.
      guard count > 0 else { return events + (count < 0 && errno == EINTR ? [] : [.end]) }
      bytes += chunk[..<count]
    } while Stroke.isCut(bytes) && bytes.count < Self.mostBytes
      && cmsr_wait_readable(keys, -1, -1, Self.keyPatience) == 0
    return events + Stroke.strokes(in: bytes).map { .stroke($0) }
  }

  /// Writes a frame.
  ///
  /// - Throws: if the terminal is gone.
  public func show(_ bytes: [UInt8]) throws(ScreenError) {
    let error = writeAll(bytes, to: output)
    if error != 0 { throw ScreenError(errno: error) }
  }

  private mutating func take() {
    isTaken = true
    set(cmsr_screen_mode(mode))
    // If the terminal is gone, the first frame fails.
    try? show(Array(Self.enter.utf8))
  }

  private mutating func giveBack() {
    isTaken = false
    leaveScreen()
  }

  private func leaveScreen() {
    try? show(Array(Self.leave.utf8))
    set(mode)
  }

  private func set(_ mode: termios) {
    var mode = mode
    unsafe tcsetattr(output, TCSADRAIN, &mode)
  }

  deinit {
    // Another process's terminal is left alone.
    let foreground = tcgetpgrp(output)
    if isTaken && (foreground < 0 || foreground == getpgrp()) { leaveScreen() }
  }
}

/// An event at a terminal.
public enum ScreenEvent: Sendable, Equatable {
  /// A key, as it was pressed.
  case stroke(Stroke)
  /// The size has changed, or the screen was restored after a stop.
  case redraw
  /// The program has to end.
  case end
}

/// A terminal cannot be drawn on.
public struct ScreenError: Error, Equatable, CustomStringConvertible {
  /// An errno value.
  let errno: Int32

  /// What failed, and what to do.
  public var description: String { "Cannot draw on this terminal: \(errorText(errno)). Use --once, or a pipe." }
}

/// What the terminal of stdout can show.
public struct TerminalAbilities: Sendable, Equatable {
  /// Whether the cursor can be moved, so that a full-screen view works.
  public var isScreen: Bool
  /// Whether to use colours.
  public var hasColours: Bool
  /// The characters to draw graphs with.
  public var characters: GraphCharacters

  /// The abilities that environment variables describe.
  ///
  /// TERM: empty or "dumb" means no screen; the fonts of "linux", the kernel's console, have few blocks. NO_COLOR: if it is
  /// not empty, no colours are used. LC_ALL, LC_CTYPE, LANG: the first that is set says whether there is more than ASCII.
  public init(isTerminal: Bool, environment: (String) -> String?) {
    let name = environment("TERM") ?? ""
    isScreen = isTerminal && !["", "dumb"].contains(name)
    hasColours = isScreen && (environment("NO_COLOR") ?? "").isEmpty
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap(environment).first { !$0.isEmpty } ?? ""
    let upper = locale.uppercased()
    let hasUnicode = upper.contains("UTF-8") || upper.contains("UTF8")
    characters = isScreen && name != "linux" && hasUnicode ? .blocks : .ascii
  }
}
