import Testing

@testable import Attribution

@Suite("A cgroup's path")
struct CgroupPlaceTests {
  private static let id = "0123456789ab" + String(repeating: "c", count: 52)

  @Test(
    "names the unit and the container as their makers do",
    arguments: [
      ("/system.slice/nginx.service", "nginx.service", nil),
      ("/system.slice/nginx.service/worker", "nginx.service", nil),
      ("/system.slice", "system.slice", nil),
      ("/system.slice/docker-ID.scope", "docker-ID.scope", "docker 0123456789ab"),
      ("/docker/ID", "ID", "docker 0123456789ab"),
      ("/docker/ID/system.slice/cron.service", "ID", "docker 0123456789ab"),
      ("/machine.slice/libpod-ID.scope/container", "libpod-ID.scope", "podman 0123456789ab"),
      ("/machine.slice/libpod-conmon-ID.scope", "libpod-conmon-ID.scope", nil),
      (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-ID", "libpod-payload-ID",
        "podman 0123456789ab"
      ),
      (
        "/machine.slice/systemd-nspawn@web.service/payload/system.slice/a.service", "systemd-nspawn@web.service",
        "machine web"
      ),
      ("/machine.slice/machine-web\\x2dtwo.scope", "machine-web-two.scope", "machine web-two"),
      (
        "/machine.slice/machine-qemu\\x2d3\\x2dmy\\x2ddb.scope/libvirt/emulator", "machine-qemu-3-my-db.scope",
        "libvirt my-db"
      ),
      ("/machine.slice/machine-lxc\\x2d12\\x2dbox.scope", "machine-lxc-12-box.scope", "libvirt box"),
      ("/lxc.payload.box/init.scope", "lxc.payload.box", "lxc box"),
      (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_34.slice/cri-containerd-ID.scope",
        "cri-containerd-ID.scope", "pod 12-34 0123456789ab"
      ),
      ("/kubepods/besteffort/pod12-34/ID", "ID", "pod 12-34 0123456789ab"),
      ("/kubepods.slice/kubepods-pod9.slice/crio-ID.scope", "crio-ID.scope", "pod 9 0123456789ab"),
      (
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod12_34.slice/cri-containerd-ID.scope",
        "cri-containerd-ID.scope", "pod 12-34 0123456789ab"
      ),
      ("/machine/qemu-3-my-db.libvirt-qemu/emulator", "qemu-3-my-db.libvirt-qemu", "libvirt my-db"),
      ("/machine/qemu-my-db.libvirt-qemu", "qemu-my-db.libvirt-qemu", nil),
      ("/crio-ID.scope", "crio-ID.scope", "cri-o 0123456789ab"),
      ("/docker/short", "short", nil), ("/docker-x.scope", "docker-x.scope", nil),
      ("/", "(none)", nil), ("", "(none)", nil), ("/../other", "(none)", nil), ("/a\\x", "a\\x", nil),
    ] as [(String, String, String?)])
  func names(path: String, unit: String, container: String?) {
    let place = CgroupPlace(path.replacing("ID", with: Self.id))
    #expect(place.unit == unit.replacing("ID", with: Self.id))
    #expect(place.container == container)
  }

  @Test("a unit is found by its name as it is shown, and as systemctl prints it")
  func escaped() {
    let place = CgroupPlace("/system.slice/systemd-fsck@dev-disk-by\\x2duuid-1.service")
    let row = TopTable.Row(
      id: .unit(place.unitPath), name: place.label, unit: place.unit, centiwatts: 0, centijoules: 0, cpuSeconds: 0)
    for name in [place.unit, "systemd-fsck@dev-disk-by\\x2duuid-1.service"] {
      #expect(TopSelection(units: [name]).contains(row))
      #expect(TopSelection(units: [name, "other"]).missingUnits(in: [row]) == ["other"])
    }
  }

  @Test("tells the same unit of two users apart")
  func users() {
    let (one, other) = (1000, 1001)
    let places = [one, other].map {
      CgroupPlace("/user.slice/user-\($0).slice/user@\($0).service/session.slice/pipewire.service")
    }
    #expect(places.map(\.user) == [1000, 1001])
    #expect(places[0].unitPath != places[1].unitPath)
    #expect(places.map(\.label) == ["pipewire.service of user 1000", "pipewire.service of user 1001"])
  }
}
