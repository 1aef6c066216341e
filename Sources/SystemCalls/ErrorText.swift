internal import Glibc

/// The system's own words for an errno value, to stand within a sentence: "No such file or directory".
public func errorText(_ errno: Int32) -> String {
  guard let text = unsafe strerror(errno) else { return "error \(errno)" }
  return unsafe String(cString: text)
}

/// The same for a file: a symbolic link that is not followed is said to be one.
public func fileErrorText(_ errno: Int32) -> String {
  errno == ELOOP
    ? "it goes through a symbolic link that somebody else made or could change, which is not followed"
    : errorText(errno)
}
