internal import CMSRShim

/// How the service recognises a powercap tree that shows its own energy, so that it never measures itself.
public enum PowercapMark {
  /// An extended attribute that every file and folder of such a tree has, and no file of the kernel's.
  public static let attribute = "user.pkg-watt-stat"

  /// Whether an open file belongs to such a tree.
  public static func marks(_ file: borrowing Descriptor) -> Bool {
    unsafe cmsr_has_attribute(file.number, attribute) == 1
  }
}
