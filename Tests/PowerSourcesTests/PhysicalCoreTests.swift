import RAPL
import Testing

@testable import PowerSources

@Suite("The physical cores of a package")
struct PhysicalCoreTests {
  struct Machine: CustomTestStringConvertible {
    let testDescription: String
    let places: [CPUPlace]
    let cores: [[Int]]?
  }

  private static func place(_ cpu: Int, die: Int = 0, core: Int?, threads: [Int] = []) -> CPUPlace {
    CPUPlace(cpu: cpu, package: 0, die: die, core: core, threads: threads)
  }

  @Test(
    "are told by their numbers and by their threads, if these agree",
    arguments: [
      Machine(
        testDescription: "numbers with gaps",
        places: [place(0, core: 0), place(1, core: 8), place(2, core: 0), place(3, core: 8)], cores: [[0, 2], [1, 3]]),
      Machine(
        testDescription: "the same number on each die", places: [place(0, core: 3), place(1, die: 1, core: 3)],
        cores: [[0], [1]]),
      Machine(
        testDescription: "threads only",
        places: [place(0, core: nil, threads: [0, 1]), place(1, core: nil, threads: [0, 1])],
        cores: [[0, 1]]),
      Machine(
        testDescription: "a thread that is offline",
        places: [place(0, core: 5, threads: [0, 9]), place(1, core: 6, threads: [1])],
        cores: [[0], [1]]),
      Machine(
        testDescription: "a contradiction", places: [place(0, core: 0, threads: [0]), place(1, core: 0, threads: [1])],
        cores: nil),
      Machine(
        testDescription: "one-sided threads",
        places: [place(0, core: nil, threads: [0, 1]), place(1, core: nil, threads: [1])],
        cores: nil),
      Machine(
        testDescription: "one number for four CPUs", places: (0..<4).map { place($0, core: 0) }, cores: nil),
      Machine(testDescription: "nothing is told", places: [place(0, core: nil), place(1, core: 1)], cores: nil),
    ])
  func group(_ machine: Machine) {
    #expect(PhysicalCore.group(machine.places)?.map(\.cpus) == machine.cores)
  }
}
