/// A command's run: how it ended, and what was drawn meanwhile or why nobody knows.
public struct RunOutcome: Sendable {
  /// How it ended.
  public var end: CommandEnd
  /// How long it took.
  public var seconds: Double
  /// What was drawn.
  public var energy: Result<RunEnergy, RunProblem>

  /// An outcome from its parts.
  public init(end: CommandEnd, seconds: Double, energy: Result<RunEnergy, RunProblem>) {
    self.end = end
    self.seconds = seconds
    self.energy = energy
  }
}
