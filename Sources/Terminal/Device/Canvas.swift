internal import CMSRShim
internal import Glibc

/// A terminal that is taken over, and drawn on no more often than an eye can tell apart.
struct Canvas: ~Copyable {
  private var screen: FullScreen
  private let abilities: TerminalAbilities
  private var pacer = FramePacer()

  /// Takes over the terminal of stdout, with keys from stdin.
  ///
  /// - Throws: the system's error.
  init(_ abilities: TerminalAbilities) throws(ScreenError) {
    screen = try FullScreen(output: STDOUT_FILENO, keys: STDIN_FILENO)
    self.abilities = abilities
  }

  /// Readable once there is an event.
  var descriptor: Int32 { screen.descriptor }

  /// When to draw next although nothing has happened, in nanoseconds of CLOCK_MONOTONIC.
  var deadline: Int64 {
    cmsr_monotonic_nanoseconds() + Int64(pacer.patience(at: Self.milliseconds)) * 1_000_000
  }

  /// Something new is to be drawn.
  mutating func change() { pacer.change() }

  /// Waits for an event, at most a second.
  ///
  /// - Returns: whether there is one.
  func waits() -> Bool { cmsr_wait_readable(screen.descriptor, -1, -1, FramePacer.tickMilliseconds) == 0 }

  /// The events since the last call; what they change is drawn at once.
  mutating func events() -> [ScreenEvent] {
    pacer.hurry()
    return screen.events()
  }

  /// Draws what has changed, if it is time to.
  ///
  /// - Parameter lines: the screen, for a size and a time in seconds since 1970.
  /// - Returns: whether to go on: false if the terminal is gone.
  mutating func draw(_ lines: (ScreenSize, GraphCharacters, Double) -> [StyledLine]) -> Bool {
    guard pacer.isDue(at: Self.milliseconds) else { return true }
    let size = screen.size
    do throws(ScreenError) {
      let drawn = lines(size, abilities.characters, Self.now)
      try screen.show(Frame.bytes(drawn, size: size, colours: abilities.hasColours))
    } catch {
      return false
    }
    pacer.draw(at: Self.milliseconds)
    return true
  }

  private static var milliseconds: Int64 { cmsr_monotonic_nanoseconds() / 1_000_000 }
  /// Seconds since 1970.
  static var now: Double { Double(cmsr_realtime_nanoseconds()) / 1e9 }
}
