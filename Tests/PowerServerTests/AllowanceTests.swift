import Testing

@testable import PowerServer

@Suite("An allowance")
struct AllowanceTests {
  /// A twentieth of the time, of which 10 may be saved up; once it is spent, 2 have to be there again.
  private func allowance(now: Int64 = 0) -> Allowance { Allowance(thousandths: 50, most: 10, enough: 2, now: now) }

  private func wait(_ allowance: inout Allowance, _ now: Int64) -> Int64 { allowance.wait(now: now) }

  @Test("is there at once, and waited for once it is spent")
  func waiting() {
    var allowance = allowance()
    #expect(wait(&allowance, 0) == 0)
    allowance.spend(9, now: 0)
    #expect(wait(&allowance, 0) == 0)
    allowance.spend(1, now: 0)
    #expect(wait(&allowance, 0) == 41)
    #expect(wait(&allowance, 39) > 0)
    #expect(wait(&allowance, 40) == 0)
  }

  @Test("what was spent beyond it is waited for too")
  func debt() {
    var allowance = allowance()
    allowance.spend(110, now: 0)
    #expect(wait(&allowance, 0) == 2041)
    #expect(wait(&allowance, 2041) == 0)
  }

  @Test("nobody gets more than the share, however they ask", arguments: [1, 3, 50, 1000])
  func share(step: Int) {
    var allowance = Allowance(thousandths: 50, most: 10_000, enough: 2000, now: 0)
    var spent: Int64 = 0
    for now in stride(from: Int64(0), to: 1_000_000, by: step) where allowance.wait(now: now) == 0 {
      allowance.spend(700, now: now)
      spent += 700
    }
    #expect(spent >= 45_000 && spent <= 50_000 + 10_000 + 700, "\(spent)")
  }

  @Test("no more is saved up than the most, and what is full is known to be")
  func most() {
    var allowance = allowance()
    var isFull = allowance.isFull(now: 0)
    #expect(isFull)
    allowance.spend(5, now: 0)
    isFull = allowance.isFull(now: 99)
    #expect(!isFull)
    isFull = allowance.isFull(now: 1_000_000)
    #expect(isFull)
    allowance.spend(11, now: 1_000_000)
    #expect(wait(&allowance, 1_000_000) > 0)
  }

  @Test("no clock traps, also one that goes back", arguments: [.min, -1, 0, .max] as [Int64])
  func clocks(now: Int64) {
    var allowance = allowance(now: 5)
    allowance.spend(.max, now: now)
    allowance.spend(.min, now: now)
    #expect(wait(&allowance, now) > 0)
  }
}
