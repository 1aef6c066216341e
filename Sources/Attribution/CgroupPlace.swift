internal import Formatting

/// What a cgroup's path says of who runs in it.
public struct CgroupPlace: Sendable, Hashable {
  /// The path up to the folder that is the unit, the container or the virtual machine; "/" if nothing is known.
  public var unitPath: String
  /// The unit's name: "nginx.service".
  public var unit: String
  /// The container or virtual machine, with who runs it: "docker 0123456789ab", "libvirt web"; nil if it is neither.
  public var container: String?
  /// The user whose slice it is in; nil for the system's.
  public var user: UInt32?

  /// The place of a path below the root of version 2.
  public init(_ path: String) {
    let names = path.split(separator: "/").map(String.init)
    guard !names.isEmpty, names.first != ".." else {
      (unitPath, unit) = ("/", "(none)")
      return
    }
    user = names.lazy.compactMap { UInt32(Self.between("user-", ".slice", $0) ?? "") }.first
    // A container's own units are parts of the container, so the first container on the way counts, but the last unit.
    let found = names.indices.lazy.compactMap { index in Self.container(names, index).map { (index, $0) } }.first
    let end = found?.0 ?? names.lastIndex { Self.isUnit($0) } ?? names.count - 1
    container = found.map(\.1)
    unitPath = "/" + names[...end].joined(separator: "/")
    unit = Self.unescaped(names[end])
  }

  private static let unitEndings = [".service", ".scope", ".slice", ".socket", ".mount", ".swap"]

  private static func isUnit(_ name: String) -> Bool { unitEndings.contains { name.hasSuffix($0) } }

  /// Who makes scopes that begin like this, each with the identifier of a container.
  private static let scopes = [
    ("docker-", "docker"), ("libpod-payload-", "podman"), ("libpod-", "podman"), ("cri-containerd-", "containerd"),
    ("crio-", "cri-o"),
  ]

  /// The container that a folder of a path is.
  private static func container(_ names: [String], _ index: Int) -> String? {
    let name = names[index]
    let parent = index > 0 ? names[index - 1] : ""
    for (prefix, maker) in scopes where name.hasPrefix(prefix) {
      // libpod-conmon-ID.scope is podman's own process beside the container.
      let id = between(prefix, ".scope", name) ?? String(name.dropFirst(prefix.count))
      if let short = shortIdentifier(id) { return pod(names[..<index]).map { "\($0) \(short)" } ?? "\(maker) \(short)" }
    }
    if let short = shortIdentifier(name) {
      if let pod = pod(names[..<index]) { return "\(pod) \(short)" }
      if parent == "docker" { return "docker \(short)" }
    }
    if let machine = between("machine-", ".scope", name) {
      let machine = unescaped(machine)
      return libvirt(machine) ?? "machine \(machine)"
    }
    // Without systemd.
    if let machine = (between("", ".libvirt-qemu", name) ?? between("", ".libvirt-lxc", name)).flatMap(libvirt) {
      return machine
    }
    if let machine = between("systemd-nspawn@", ".service", name) { return "machine \(unescaped(machine))" }
    if name.hasPrefix("lxc.payload."), name.count > 12 { return "lxc \(name.dropFirst(12))" }
    return nil
  }

  /// A machine by libvirt's name for it, with its kind and number before its own: qemu-3-web.
  private static func libvirt(_ name: String) -> String? {
    let parts = name.split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, ["qemu", "lxc"].contains(parts[0]), Int(parts[1]) != nil else { return nil }
    return "libvirt \(parts[2])"
  }

  /// The pod of Kubernetes that folders lead to: pod1234_5678.slice of systemd's driver, or pod1234-5678 of the other one.
  private static func pod(_ names: ArraySlice<String>) -> String? {
    // With a root of its own, that comes first: kubelet-kubepods.slice.
    guard names.contains(where: { $0 == "kubepods" || $0.hasSuffix("kubepods.slice") }), let last = names.last,
      let begin = last.ranges(of: "pod").last?.upperBound
    else { return nil }
    let id = last[begin...].hasSuffix(".slice") ? last[begin...].dropLast(6) : last[begin...]
    return id.isEmpty ? nil : "pod \(id.replacing("_", with: "-"))"
  }

  /// The first 12 of the 64 hexadecimal digits that Docker, podman and the runtimes of Kubernetes name a container by.
  private static func shortIdentifier(_ id: String) -> String? {
    id.utf8.count == 64 && id.utf8.allSatisfy { hexadecimalDigit($0) != nil } ? String(id.prefix(12)) : nil
  }

  private static func between(_ prefix: String, _ suffix: String, _ name: String) -> String? {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.count > prefix.count + suffix.count else { return nil }
    return String(name.dropFirst(prefix.count).dropLast(suffix.count))
  }

  /// A name without systemd's escapes: `\x2d` is a dash.
  static func unescaped(_ name: String) -> String {
    guard name.contains("\\x") else { return name }
    var bytes: [UInt8] = []
    var rest = Array(name.utf8)[...]
    while let byte = rest.first {
      let next = rest.dropFirst()
      if byte == UInt8(ascii: "\\"), next.first == UInt8(ascii: "x"), rest.count >= 4,
        let high = hexadecimalDigit(rest[rest.startIndex + 2]), let low = hexadecimalDigit(rest[rest.startIndex + 3])
      {
        bytes.append(high << 4 | low)
        rest = rest.dropFirst(4)
      } else {
        bytes.append(byte)
        rest = next
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
