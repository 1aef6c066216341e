import Foundation

/// An open msr node.
final class RegisterNode {
  /// A system call's errno value.
  struct SystemError: Error, Equatable {
    let errno: Int32
  }

  private let descriptor: Int32

  init(_ path: String) throws {
    descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw SystemError(errno: errno) }
  }

  deinit { close(descriptor) }

  /// pread as it is.
  func bytes(_ count: Int, at offset: Int64) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0xAA, count: count)
    let read = pread(descriptor, &bytes, count, off_t(offset))
    guard read >= 0 else { throw SystemError(errno: errno) }
    return Array(bytes.prefix(read))
  }

  /// A register's value.
  func value(_ address: UInt32) throws -> UInt64 {
    let bytes = try bytes(8, at: Int64(address))
    guard bytes.count == 8 else { throw Failure("\(bytes.count) bytes of a register") }
    return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A register's value, and the seconds since boot at which it was read: the middle of a read that took less than a
  /// millisecond, so that a busy machine does not make the time wrong.
  func timed(_ address: UInt32) throws -> (value: UInt64, seconds: Double) {
    for _ in 0..<1000 {
      let before = ProcessInfo.processInfo.systemUptime
      let value = try value(address)
      let took = ProcessInfo.processInfo.systemUptime - before
      if took < 0.001 { return (value, before + took / 2) }
    }
    throw Failure("every read was interrupted")
  }
}
