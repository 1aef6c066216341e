internal import CMSRShim
internal import Glibc
internal import RAPL
internal import SystemCalls

/// A zone's energy_uj, which shows an energy counter.
///
/// Opened once, while the service may still read a file that belongs to root: permissions are checked only then.
package final class PowercapCounter: CounterFile {
  private let path: String
  private let root: String
  private let descriptor: Descriptor

  /// Opens it.
  ///
  /// - Parameter root: a folder that stands for /, with which the path begins; empty for / itself.
  init(path: String, root: String = "") throws(SourceError) {
    self.path = path
    self.root = root
    do {
      descriptor = try RegularFile.open(path, root: root)
    } catch {
      throw .energyFile(path: path, errno: error.errno)
    }
    guard !PowercapMark.marks(descriptor) else { throw .ownTree(path: path) }
  }

  /// Whether a zone's energy is what this service measured itself; false if that cannot be asked.
  package static func isOwn(_ path: String, root: String) -> Bool {
    guard let file = try? RegularFile.open(path, root: root) else { return false }
    return PowercapMark.marks(file)
  }

  /// A zone that disappeared and came back has a new file, and the old one stays dead.
  ///
  /// If another file system covers the kernel's file, as pkg-watt-stat-powercap.service can, it hides whether that is new: it is if
  /// the old one is dead. The file system that covers it is not asked for anything, because its server may hang.
  var change: MachineChange? {
    guard let place = try? filePlace(path, root: root) else { return nil }
    let (opened, now) = (cmsr_known_file_behind(descriptor.number), cmsr_known_file_behind(place.number))
    guard opened.error == 0, now.error == 0 else { return nil }
    if opened.device == now.device { return opened.inode == now.inode ? nil : .renewedZone(path: path) }
    do throws(SourceError) {
      _ = try read()
      return nil
    } catch .energyFile(_, ENODEV) {
      return .renewedZone(path: path)
    } catch {
      return nil
    }
  }

  func read() throws(SourceError) -> UInt64 {
    // Room for the largest number: 20 digits and a newline.
    let bytes: ArraySlice<UInt8>
    do {
      bytes = try descriptor.firstBytes(32, of: path)
    } catch {
      throw .energyFile(path: path, errno: error.errno)
    }
    guard let value = Self.microjoules(bytes) else { throw .noEnergy(path: path) }
    return value
  }

  /// The number in a file's text: digits, and a newline unless it is left out.
  package static func microjoules(_ text: some Collection<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    var digits = 0
    for byte in text {
      if byte == UInt8(ascii: "\n") && digits > 0 { return value }
      guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
      guard !overflow, !carry else { return nil }
      value = sum
      digits += 1
    }
    return digits > 0 ? value : nil
  }
}
