internal import ArgumentParser
internal import PowerSources
internal import ServiceManager
internal import SystemCalls

/// What root does for a service that holds no capability, if systemd is too old for OpenFile=: the unit starts it, and nobody else
/// needs it.
struct PassRegistersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pass-registers", abstract: "A step of pkg-watt-stat.service with no-capability.conf, taken by root.",
    discussion: """
      Opens the register nodes of all CPUs that are online, and gives them to systemd, which passes them to the service.
      """,
    shouldDisplay: false)

  func run() throws {
    let store = try DescriptorStore()
    let nodes = RegisterNodes()
    // Those of an earlier start would be passed too.
    for cpu in try nodes.present() { try store.remove(nodes.name(of: cpu)) }
    for cpu in try nodes.online() {
      // It has gone offline in this moment.
      guard let node = try nodes.open(cpu) else { continue }
      try store.add(node, nodes.name(of: cpu))
    }
    try store.settle()
  }
}
