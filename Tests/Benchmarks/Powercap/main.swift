// Prints how far programs that read energy_uj are off, as the table of the page Powercap: the rms error of the watts between two
// reads, against the true mean power of just that time.
internal import Powercap

/// Numbers that are the same in every run.
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}

/// A load of a minute or more in milliseconds, and its energy up to each.
struct Load {
  private var joules: [Double] = [0]

  init(seconds: Double, watts: (Int) -> Double) {
    for millisecond in 0..<Int(seconds * 1000) { joules.append(joules[millisecond] + watts(millisecond) / 1000) }
  }

  func energy(until seconds: Double) -> Double {
    let place = Int(seconds * 1000)
    return joules[place] + (joules[place + 1] - joules[place]) * (seconds * 1000 - Double(place))
  }
}

/// A reading of the service: when it arrives, and what it says.
struct Reading {
  let arrival: Double
  let seconds: Double
  let window: Double
  let joules: Double
}

func readings(of load: Load, seconds: Double, _ random: inout SeededNumbers) -> [Reading] {
  var before = (seconds: 0.0, joules: 0.0)
  return stride(from: 0.25, to: seconds, by: 0.25).map { point in
    let moment = point + Double.random(in: 0..<0.002, using: &random)
    // As the service rounds for everyone.
    let end = (seconds: (moment * 1000).rounded() / 1000, joules: (load.energy(until: moment) * 100).rounded() / 100)
    defer { before = end }
    return Reading(
      arrival: moment + 0.001, seconds: end.seconds, window: end.seconds - before.seconds, joules: end.joules)
  }
}

/// What a reader sees: a value for the present moment and the readings that have arrived.
protocol Counter {
  mutating func take(_ reading: Reading)
  mutating func joules(at now: Double) -> Double
}

struct Steps: Counter {
  private var latest = 0.0
  mutating func take(_ reading: Reading) { latest = reading.joules }
  mutating func joules(at now: Double) -> Double { latest }
}

struct Extrapolated: Counter {
  private var end = (seconds: 0.0, joules: 0.0)
  private var watts = 0.0
  private var shown = 0.0
  mutating func take(_ reading: Reading) {
    watts = (reading.joules - end.joules) / (reading.seconds - end.seconds)
    end = (reading.seconds, reading.joules)
  }
  mutating func joules(at now: Double) -> Double {
    shown = max(shown, end.joules + watts * (now - end.seconds))
    return shown
  }
}

/// The product's own.
struct Interpolated: Counter {
  private var curve = EnergyCurve()
  private var before = 0.0
  private var shown = 0.0
  mutating func take(_ reading: Reading) {
    curve.add(
      seconds: reading.seconds, windowSeconds: reading.window, joules: reading.joules,
      windowJoules: reading.joules - before)
    before = reading.joules
  }
  mutating func joules(at now: Double) -> Double {
    // A reader waits if there is no value yet, which these readings are never too late for.
    if case .microjoules(let value) = curve.value(at: now, stepSeconds: 0.25) { shown = Double(value) / 1e6 }
    return shown
  }
}

func error(_ counter: some Counter, _ load: Load, seconds: Double, poll: Double, seed: UInt64) -> (
  squares: Double, zeros: Int, count: Int
) {
  var (counter, random) = (counter, SeededNumbers(seed))
  var arriving = readings(of: load, seconds: seconds, &random)[...]
  var result = (squares: 0.0, zeros: 0, count: 0)
  var before: (seconds: Double, joules: Double)?
  var now = 2 + Double.random(in: 0..<1, using: &random)
  while now < seconds - 1 {
    while let next = arriving.first, next.arrival <= now { counter.take(arriving.removeFirst()) }
    let value = counter.joules(at: now)
    if let before {
      let watts = (value - before.joules) / (now - before.seconds)
      let truth = (load.energy(until: now) - load.energy(until: before.seconds)) / (now - before.seconds)
      result.squares += (watts - truth) * (watts - truth)
      result.zeros += watts < truth / 20 ? 1 : 0
      result.count += 1
    }
    before = (now, value)
    // As late as a program that sleeps wakes up.
    now += poll + Double.random(in: 0..<0.005, using: &random)
  }
  return result
}

var levels = SeededNumbers(1)
var level = (watts: 20.0, until: 0)
let loads: [(String, (Int) -> Double)] = [
  ("steady, 42.5 W", { _ in 42.5 }),
  ("pulsed, 162.5 W for 0.2 s of each second, else 12.5 W", { $0 % 1000 < 200 ? 162.5 : 12.5 }),
  (
    "jumping, 5 to 65 W, anew after 3 s on average",
    { millisecond in
      if millisecond >= level.until || millisecond == 0 {
        level.watts = Double.random(in: 5..<65, using: &levels)
        level.until = millisecond + Int.random(in: 50..<5950, using: &levels)
      }
      return level.watts
    }
  ),
]
let polls = [0.1, 0.5, 1, 2, 5, 15]

func text(_ number: Double) -> String {
  let hundredths = Int((number * 100).rounded())
  return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
}

print("| load | counter | \(polls.map { "\($0) s" }.joined(separator: " | ")) |")
print("|---|---|\(polls.map { _ in "---|" }.joined())")
for (name, watts) in loads {
  let counters: [(String, any Counter)] = [
    ("steps", Steps()), ("interpolated", Interpolated()), ("extrapolated", Extrapolated()),
  ]
  for (kind, counter) in counters {
    let cells = polls.map { poll in
      let seconds = poll < 3 ? 100.0 : 600.0
      var total = (squares: 0.0, zeros: 0, count: 0)
      for seed in 1...8 as ClosedRange<UInt64> {
        (levels, level) = (SeededNumbers(seed), (20, 0))
        let load = Load(seconds: seconds, watts: watts)
        let part = error(counter, load, seconds: seconds, poll: poll, seed: seed)
        total = (total.squares + part.squares, total.zeros + part.zeros, total.count + part.count)
      }
      let zeros = Int((Double(total.zeros) / Double(total.count) * 100).rounded())
      return text((total.squares / Double(total.count)).squareRoot()) + (zeros > 0 ? " (\(zeros) % zero)" : "")
    }
    print("| \(name) | \(kind) | \(cells.joined(separator: " | ")) |")
  }
}
