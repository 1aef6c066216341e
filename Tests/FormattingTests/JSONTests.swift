import Foundation
import Formatting
import Testing

@Suite("JSON")
struct JSONTests {
  @Test(
    "is written so that any reader understands it",
    arguments: [
      (.null, "null"), (.boolean(true), "true"), (.number(3), "3"), (.number(-0.5), "-0.5"), (.number(.nan), "null"),
      (.number(.infinity), "null"), (.string("a\"b\\c\n\t\r\u{1}\u{7F}µ"), #""a\"b\\c\n\t\r\u0001\u007f\u00b5""#),
      (.array([.number(1), .array([])]), "[1, []]"),
      (.object([("b", .null), ("a", .string("x"))]), #"{"b": null, "a": "x"}"#),
      (.optional(String?.none), "null"), (.optional(2.0), "2"),
    ] as [(JSON, String)])
  func text(value: JSON, text: String) throws {
    #expect(value.text == text)
    _ = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
  }
}
