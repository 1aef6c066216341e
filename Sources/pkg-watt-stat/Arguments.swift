public import ArgumentParser
public import Formats
public import Serving

// Choices of other rooms that an option may be: their raw values are what is typed.
extension ExportFormat: ExpressibleByArgument {}
extension SourceChoice: ExpressibleByArgument {}
