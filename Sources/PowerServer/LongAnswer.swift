internal import PowerProtocol

/// An answer of more than a socket holds, made bit by bit as it is sent.
final class LongAnswer {
  /// So many rows are made in a fraction of a millisecond.
  private static let rowsOfPiece = 48

  private let report: HistoryReport
  private var piece = 0
  /// What is to be done once all of it is made, or its client has gone.
  let ended: () -> Void

  init(_ report: HistoryReport, ended: @escaping () -> Void) {
    self.report = report
    self.ended = ended
  }

  /// The next bytes of it.
  func next() -> [UInt8] {
    let bytes = report.piece(piece, ofRows: Self.rowsOfPiece) ?? []
    piece += 1
    return bytes
  }

  /// Whether there is nothing left of it.
  var isAtEnd: Bool { piece > 0 && piece * Self.rowsOfPiece >= report.rows.count }
}
