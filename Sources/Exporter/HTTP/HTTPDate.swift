internal import Glibc

/// A time as HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7). The program sets no locale: names are English.
func httpDate(_ time: time_t) -> String {
  var time = time
  var parts = unsafe tm()
  unsafe gmtime_r(&time, &parts)
  var text = [CChar](repeating: 0, count: 64)
  let length = unsafe strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
  return String(decoding: text.prefix(length).map(UInt8.init), as: UTF8.self)
}
