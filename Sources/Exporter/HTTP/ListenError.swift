internal import Glibc
internal import SystemCalls

/// Why an exporter cannot listen at an address.
public struct ListenError: Error, Equatable, CustomStringConvertible {
  let address: ListenAddress
  /// An errno value.
  let errno: Int32

  /// What failed, on what, why, and what to do.
  public var description: String {
    switch errno {
    case EADDRINUSE: "Another program listens at \(address) already; choose another port with --listen."
    case EADDRNOTAVAIL: "This machine does not have the address \(address.host); choose one of its own with --listen."
    case EACCES: "This user may not listen at port \(address.port); choose one of 1024 or more with --listen."
    default: "Cannot listen at \(address): \(errorText(errno)). Choose another address with --listen."
    }
  }
}
