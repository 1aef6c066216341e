internal import Glibc

/// The system's own words for an errno value, to stand within a sentence: "No such file or directory".
public func errorText(_ errno: Int32) -> String {
  guard let text = unsafe strerror(errno) else { return "error \(errno)" }
  return unsafe String(cString: text)
}
