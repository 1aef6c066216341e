public import PowerClient
public import PowerProtocol

extension PowerConnection {
  /// Begins a subscription for `top`: without domains if possible, because a table shows none, and on some machines they cost an
  /// interrupt for each core.
  ///
  /// - Returns: the answers about the service and the subscription, and the power of the last day; nil for a service that does not
  ///   tell it now.
  public mutating func beginTop(intervalSeconds: Double?) throws(ClientError) -> (
    answers: [Answer], history: HistoryReport?
  ) {
    let info = try info()
    let past = try pastDay()
    let hasDomains = !info.serves("subscribe", member: "domains")
    let subscription = try subscribe(intervalSeconds: intervalSeconds, domains: hasDomains)
    return ([.info(info), .subscribed(subscription)], past)
  }
}
