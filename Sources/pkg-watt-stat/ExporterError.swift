/// Why an exporter does not serve.
enum ExporterError: Error, Equatable, CustomStringConvertible {
  /// The service gives this user more than everybody may know.
  case trusted(group: String?)
  /// A step of the start.
  case limits
  /// There is no user to become.
  case noUser(String)

  var description: String {
    switch self {
    case .trusted(let group):
      "The service tells this user more than everybody may know, and the exporter would tell everybody who reaches it; "
        + "run it as a user who is not root" + (group.map { " and not in the group \($0)." } ?? ".")
    case .limits: "The exporter cannot take signals as it must."
    case .noUser(let name):
      "There is no user \(name) to become in place of root; run the exporter as an ordinary user."
    }
  }
}
