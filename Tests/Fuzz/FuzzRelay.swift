internal import PowerProtocol
internal import PowerServer
internal import RAPL
internal import Turbostat

/// turbostat's relay, from what it writes to energy: the input begins with steps of the clocks, 9 bytes each as far as the
/// first byte says, and the rest is turbostat's output, in as many chunks, each read after its step.
///
/// A step's first byte says which clocks move and how far; the monotonic clock goes both ways too, which no kernel's does.
func fuzzRelay(_ data: UnsafeBufferPointer<UInt8>) -> Int32 {
  guard let first = data.first else { return 0 }
  let count = 1 + Int(first) % 16
  guard data.count > 1 + 9 * count else { return 0 }
  let output = data.dropFirst(1 + 9 * count)
  let chunk = max(output.count / count, 1)
  var now = TurbostatDating.Moment(
    monotonicNanoseconds: 5_000_000_000, unixNanoseconds: 1_795_455_000_000_000_000, asleepNanoseconds: 0)
  var run = Run(begun: now)
  for index in 0..<count {
    step(&now, data.dropFirst(1 + 9 * index).prefix(9))
    // Now and then turbostat is started again.
    if data[1 + 9 * index] & 0x40 != 0 { run.restart(now) }
    let begin = output.startIndex + min(chunk * index, output.count)
    let end = index == count - 1 ? output.endIndex : min(begin + chunk, output.endIndex)
    run.take(output[begin..<end], now)
  }
  return 0
}

private func step(_ now: inout TurbostatDating.Moment, _ bytes: Slice<UnsafeBufferPointer<UInt8>>) {
  let kind = bytes[bytes.startIndex]
  let number = bytes.dropFirst().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
  // From any number down to some 70 ms, both ways.
  let by = Int64(bitPattern: number) >> (Int64(kind & 0x7) * 5)
  if kind & 0x8 != 0 { now.monotonicNanoseconds &+= by }
  if kind & 0x10 != 0 { now.unixNanoseconds &+= by }
  if kind & 0x20 != 0 { now.asleepNanoseconds &+= by }
}

/// A relay, and what it promises.
private struct Run {
  private var parser = TurbostatParser()
  private var dating: TurbostatDating
  private var energy = RelayedEnergy()
  private var lastEnd: Int64?
  /// Whether no table was left out since the last one.
  private var isContinuous = false

  init(begun: TurbostatDating.Moment) {
    dating = TurbostatDating(intervalSeconds: 1, begun: begun)
  }

  mutating func restart(_ now: TurbostatDating.Moment) {
    parser = TurbostatParser()
    dating = TurbostatDating(intervalSeconds: 1, begun: now)
    isContinuous = false
  }

  mutating func take(_ output: some Sequence<UInt8>, _ now: TurbostatDating.Moment) {
    for event in parser.take(output) {
      switch event {
      case .table(let table): take(table, now)
      case .rejected(_, let end):
        dating.leaveOut(endUnixNanoseconds: end, readAt: now)
        isContinuous = false
      }
    }
  }

  private mutating func take(_ table: TurbostatTable, _ now: TurbostatDating.Moment) {
    guard let sample = dating.sample(of: table, readAt: now) else {
      // The next one's window begins where this one ended.
      isContinuous = true
      return
    }
    // A table counts for its own interval: what was left out before it is never counted with its watts.
    precondition(isContinuous || sample.windowNanoseconds <= 1_500_000_000)
    isContinuous = true
    precondition(sample.windowNanoseconds > 0 && sample.endMonotonicNanoseconds <= now.monotonicNanoseconds)
    let powers = table.packages.flatMap { row in
      row.watts.map { (package: row.package ?? PackageID(package: 0), domain: $0.key, watts: $0.value) }
    }
    guard let window = energy.add(sample, powers) else { return }
    precondition(lastEnd.map { sample.endMonotonicNanoseconds > $0 } ?? true)
    lastEnd = sample.endMonotonicNanoseconds
    let most = powers.reduce(0.0) {
      $1.domain == .package ? $0 + $1.watts * Double(sample.windowNanoseconds) / 1e9 : $0
    }
    precondition(window.joules <= most * 1.000_001 + 1)
    for (before, after) in zip(window.start.readings, window.end.readings) {
      precondition(before.package == after.package && before.domain == after.domain)
      precondition(before.monotonicNanoseconds < after.monotonicNanoseconds && before.losses == after.losses)
    }
    let line = PowerLine(sample, status: .ok)?.encoded
    precondition(line.map { $0.count <= PowerLine.mostBytes } ?? true)
  }
}
