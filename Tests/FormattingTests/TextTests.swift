import Formatting
import Testing

@Suite("Hexadecimal numbers")
struct HexadecimalTests {
  @Test(
    "are written as manuals write them, and read back",
    arguments: [(0, "0x0"), (0x611, "0x611"), (.max, "0xFFFFFFFFFFFFFFFF")])
  func text(number: UInt64, text: String) {
    #expect(hexadecimal(number) == text)
    #expect(hexadecimalValue(text) == number && hexadecimalValue(text.replacing("F", with: "f")) == number)
  }

  @Test("are nothing else", arguments: ["", "0x", "611", "0xG", "0x10000000000000000", "0X1", "0x1 "])
  func other(text: String) { #expect(hexadecimalValue(text) == nil) }

  @Test("have sixteen digits, in two cases")
  func digits() {
    for byte in UInt8.min...UInt8.max {
      let digit = byte < 0x80 ? Character(Unicode.Scalar(byte)).hexDigitValue : nil
      #expect(hexadecimalDigit(byte).map(Int.init) == digit)
    }
  }
}

@Suite("Columns")
struct ColumnsTests {
  @Test("are as wide as their widest cell, names to the left and numbers to the right")
  func aligned() {
    #expect(Columns.aligned([["", "now"], ["package 0", "42.5 W"]]) == ["              now", "package 0  42.5 W"])
    #expect(Columns.aligned([]) == [])
  }

  @Test("cut nothing off")
  func wide() {
    #expect(Columns.left("name", 6) == "name  " && Columns.right("name", 6) == "  name")
    #expect(Columns.left("name", 2) == "name" && Columns.right("name", -2) == "name")
  }
}

@Suite("Text for a terminal")
struct PrintableTextTests {
  @Test("a peer's is printable ASCII, whatever it was", arguments: [("a\u{1B}[2J~", "a?[2J~"), ("µ\n", "??")])
  func printable(text: String, expected: String) { #expect(text.printable == expected) }

  @Test(
    "this machine's keeps its letters, and steers nothing",
    arguments: [("/home/Jörg", "/home/Jörg"), ("a\tb\n", "a b?"), ("\u{1B}\u{9B}\u{202E}\u{2028}\u{E000}", "?????")])
  func harmless(text: String, expected: String) { #expect(text.harmless == expected) }

  @Test(
    "is one word of a command line",
    arguments: [
      ("/a/b-1.x", "/a/b-1.x"), ("", "''"), ("/a b", "'/a b'"), ("it's", #"'it'\''s'"#), ("~", "'~'"), ("ö", "'ö'"),
    ])
  func shell(text: String, expected: String) { #expect(shellWord(text) == expected) }
}
