public import ArgumentParser
public import Formats
public import ServiceManager
public import Serving

// Choices of other rooms that an option may be: their raw values are what is typed.
extension ExportFormat: ExpressibleByArgument {}
extension SourceChoice: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {
  /// A level in upper or lower case.
  public init?(argument: String) { self.init(rawValue: argument.uppercased()) }
}
