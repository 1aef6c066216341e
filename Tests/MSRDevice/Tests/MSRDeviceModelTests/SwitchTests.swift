import MSRDeviceModel
import Testing

@Test(
  "a line of the control file is a switch, or nothing",
  arguments: [
    ("reset 0", Switch.reset(package: 0)), ("set 1 0xFFFF0000", .set(package: 1, value: 0xFFFF_0000)),
    ("set 0 17\n", .set(package: 0, value: 17)), ("  zero  0\t2 ", .zero(package: 0, .reads(2))),
    ("zero 1 off", .zero(package: 1, .off)), ("eio 1 3", .eio(package: 1, .reads(3))),
    ("eio 1 on", .eio(package: 1, .on)), ("eio 1 off", .eio(package: 1, .off)),
    ("freeze 0 on", .freeze(package: 0, true)), ("freeze 0 off", .freeze(package: 0, false)),
    ("enxio 3 on", .enxio(cpu: 3, true)), ("enxio 3 off", .enxio(cpu: 3, false)),
    ("play 12", .play(at: 12)), ("play", nil), ("play -1", nil), ("", nil), ("\n", nil), ("reset", nil),
    ("reset x", nil), ("reset -1", nil), ("reset 0 0", nil), ("set 0", nil),
    ("set 0 0x1FFFFFFFF", nil), ("set 0 4294967296", nil), ("set 0 -1", nil), ("set 0 0x", nil), ("set 0 0x+1", nil),
    ("eio 0", nil), ("eio 0 0", nil), ("eio 0 -1", nil), ("eio 0 on on", nil), ("freeze 0 3", nil),
    ("enxio 0 maybe", nil), ("burn 0 on", nil), ("Reset 0", nil), ("reset 0\nreset 1\n", nil),
  ])
func parsing(line: String, expected: Switch?) {
  #expect(Switch(line) == expected)
}
