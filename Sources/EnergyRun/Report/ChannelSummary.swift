/// The energy of a channel in one run or several.
struct ChannelSummary {
  var joules: Spread
  var watts: Spread
  /// The greatest of all runs.
  var uncertaintyJoules: Double
  /// The greatest of all runs.
  var uncertaintyWatts: Double
  /// The highest of all runs.
  var peakWatts: Double?
  /// Whether it is a lower bound in any run.
  var isLowerBound: Bool
  var idleWatts: Estimate?
  /// The mean of the runs; the uncertainty includes that of idle power.
  var aboveIdleJoules: Estimate?

  /// - Returns: nil if the channel is missing in one of the runs: a mean over fewer runs could not be compared with the rest.
  init?(_ channel: EnergyChannel, in runs: [RunEnergy], idle: IdlePower?) {
    let energies = runs.compactMap { $0.channels[channel] }
    guard energies.count == runs.count, !energies.isEmpty else { return nil }
    joules = Spread(energies.map(\.joules))
    watts = Spread(energies.map(\.watts))
    uncertaintyJoules = energies.map(\.uncertaintyJoules).max() ?? 0
    uncertaintyWatts = energies.map(\.uncertaintyWatts).max() ?? 0
    peakWatts = energies.compactMap(\.peakWatts).max()
    isLowerBound = energies.contains { $0.isLowerBound }
    idleWatts = idle?.channels[channel]
    guard let idleWatts else { return }
    let seconds = Spread(runs.map(\.seconds))
    aboveIdleJoules = Estimate(
      value: joules.mean - idleWatts.value * seconds.mean,
      uncertainty: uncertaintyJoules + idleWatts.uncertainty * seconds.highest)
  }
}
