// The product's own rooms, doing what the floor does: registers → energy → watts → line → client.
//   sampling ROOT SAMPLES

internal import CWorkload
internal import Glibc
internal import PowerProtocol
internal import PowerSources
internal import RAPL

guard CommandLine.arguments.count == 3, let samples = Int(CommandLine.arguments[2]) else {
  print("Usage: sampling ROOT SAMPLES")
  exit(64)
}
/// How many of so many samples reached the client.
func run(_ root: String, samples: Int) throws -> Int {
  let workload = workload_open(root)
  let mover = workload_start_moving(workload)
  var source = try EnergySources.msr(root: root)
  workload_rest(mover)
  var meter = PowerMeter()
  var sent = 0
  for _ in 0...samples {
    workload_step(workload, 1)
    guard case .window(let window) = meter.measure(source.read()), let line = PowerLine(window.sample, status: .ok)
    else {
      continue
    }
    let bytes = line.encoded
    if bytes.withUnsafeBytes({ workload_send(workload, $0.baseAddress, $0.count) }) == 0 { sent += 1 }
  }
  return sent
}

print(try run(CommandLine.arguments[1], samples: samples))
