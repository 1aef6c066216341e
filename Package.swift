// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors in CI, and only warnings elsewhere, so that a newer compiler never stops a user's build.
let strict: [SwiftSetting] = Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

let upcoming: [SwiftSetting] =
  strict + [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ]

let settings: [SwiftSetting] = upcoming + [.strictMemorySafety()]

func room(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, exclude: exclude, swiftSettings: upcoming)
}

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
  name: "pkg-watt-stat",
  products: [
    .executable(name: "pkg-watt-stat", targets: ["pkg-watt-stat"]),
    .library(name: "PowerSources", targets: ["RAPL", "PowerSources"]),
    .library(name: "PowerProtocol", targets: ["PowerProtocol", "Formatting"]),
    // What the powercap tree is made of: a package of its own, because it needs libfuse3.
    .library(
      name: "Powercap", targets: ["RAPL", "PowerProtocol", "PowerClient", "Powercap", "ServiceManager", "SystemCalls"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    // Without its Foundation trait.
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
    // Files and errno values. swift-subprocess, which takes its paths, brings this package along.
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    // Only swift-nio uses these two. They are here for their versions, so that every build has the same code without a
    // Package.resolved. A test target names them, because SwiftPM warns of a package that no target does.
    .package(url: "https://github.com/apple/swift-atomics", exact: "1.3.0"),
    .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
  ],
  targets: [
    .systemLibrary(name: "CMSRShim", path: "CMSRShim", pkgConfig: "libcap", providers: [.apt(["libcap-dev"])]),
    room("RAPL"),
    // Text, pure: in the published libraries too.
    room("Formatting", ["RAPL"]),
    room("SystemCalls", ["CMSRShim", "Formatting", system]),
    room("PowerSources", ["RAPL", "Formatting", "CMSRShim", "SystemCalls"]),
    room("Turbostat", ["RAPL", "Formatting", "CMSRShim", subprocess, system]),
    room("PowerProtocol", ["RAPL", "Formatting"]),
    room(
      "PowerServer",
      [
        "RAPL", "Formatting", "PowerSources", "PowerProtocol", "CMSRShim", "SystemCalls", logging, nioCore, nioPosix,
      ]),
    room("PowerClient", ["RAPL", "Formatting", "PowerProtocol", "CMSRShim", "SystemCalls"]),
    room("Powercap", ["RAPL", "PowerProtocol"]),
    room(
      "Terminal",
      ["RAPL", "Formatting", "PowerProtocol", "PowerClient", "Attribution", "Processes", "CMSRShim", "SystemCalls"]),
    room("EnergyRun", ["RAPL", "Formatting", "PowerProtocol", "PowerClient", "SystemCalls", "CMSRShim"]),
    room("Formats", ["RAPL", "Formatting", "PowerProtocol", "Attribution"]),
    room("Attribution", ["RAPL", "Formatting", "PowerProtocol"]),
    room("Processes", ["Attribution", "CMSRShim", "PowerProtocol", "SystemCalls"]),
    // The page's files are parts of the program.
    room(
      "Exporter",
      [
        "RAPL", "Formats", "Formatting", "PowerProtocol", "PowerClient", "Attribution", "Processes", "CMSRShim",
        "SystemCalls", nioCore, nioPosix, nioHTTP1,
      ],
      resources: ["page.html", "page.css", "page.js"].map { .embedInCode("Page/\($0)") }),
    room(
      "Diagnosis",
      ["RAPL", "PowerSources", "Turbostat", "Formatting", "PowerProtocol", "PowerClient", "SystemCalls", "CMSRShim"]),
    room("Privileges", ["CMSRShim", "SystemCalls"]),
    room("PowercapMount", ["CMSRShim", "Privileges", "SystemCalls"]),
    room("ServiceManager", ["CMSRShim", "Formatting", "SystemCalls", logging]),
    room(
      "Serving",
      [
        "RAPL", "PowerProtocol", "PowerServer", "PowerSources", "Turbostat", "Privileges", "ServiceManager", "CMSRShim",
        "SystemCalls", logging,
      ]),
    .executableTarget(
      name: "pkg-watt-stat",
      dependencies: [
        "RAPL", "Formats", "Formatting", "PowerSources", "Turbostat", "PowerProtocol", "PowerClient", "Terminal",
        "EnergyRun", "Attribution", "Processes",
        "Exporter", "Privileges", "Serving", "ServiceManager", "PowercapMount", "Diagnosis", "CMSRShim", "SystemCalls",
        argumentParser, logging,
      ],
      swiftSettings: settings),
    tests(of: "SystemCalls"),
    tests(of: "RAPL", ["PowerSources"]),
    tests(of: "Formatting"),
    tests(of: "PowerSources", ["TestSupport", "RAPL"]),
    tests(of: "Turbostat", ["RAPL"]),
    tests(of: "PowerProtocol", ["RAPL", "Formatting"]),
    tests(
      of: "PowerServer",
      [
        "TestSupport", "RAPL", "Formatting", "PowerSources", "PowerProtocol", logging,
        .product(name: "Atomics", package: "swift-atomics"),
        .product(name: "DequeModule", package: "swift-collections"),
      ]),
    tests(of: "PowerClient", ["Formatting", "PowerProtocol"]),
    tests(of: "Powercap", ["RAPL", "PowerProtocol"]),
    tests(of: "PowercapMount", ["SystemCalls"]),
    tests(of: "Terminal", ["TestSupport", "RAPL", "PowerProtocol", "Attribution"]),
    tests(of: "EnergyRun", ["RAPL", "Formatting", "PowerProtocol", "PowerClient", "SystemCalls"]),
    tests(of: "Attribution", ["TestSupport", "RAPL", "Formatting", "PowerProtocol"]),
    tests(of: "Processes", ["Attribution", "PowerProtocol", "SystemCalls"]),
    tests(of: "Formats", ["Attribution", "Formatting", "PowerProtocol", "RAPL"]),
    tests(
      of: "Exporter",
      [
        "Attribution", "Formats", "Formatting", "PowerProtocol", "PowerClient", "Processes", "RAPL", "SystemCalls",
        nioCore, nioPosix,
      ]),
    tests(of: "Diagnosis", ["TestSupport", "RAPL", "PowerSources", "SystemCalls"], exclude: ["Snapshots"]),
    tests(of: "Privileges"),
    tests(of: "ServiceManager", [logging]),
    tests(
      of: "Serving",
      ["RAPL", "PowerProtocol", "PowerServer", "PowerSources", "Privileges", "ServiceManager", "Turbostat", logging]),
    // Only for tests.
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: upcoming),
    .testTarget(name: "EndToEndTests", dependencies: ["pkg-watt-stat", "TestSupport"], swiftSettings: upcoming),
  ]
)

// Instrumented parsers, see scripts/fuzz: no part of any other build.
if Context.environment["FUZZ"] != nil {
  package.targets += [
    .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "CFuzzer", "RAPL", "Formatting", "PowerSources", "PowerProtocol", "PowerServer", "Turbostat", "SystemCalls",
        "PowerClient",
        "Terminal", "EnergyRun", "Formats",
      ],
      path: "Tests/Fuzz", exclude: ["CFuzzer", "seeds"], swiftSettings: upcoming),
  ]
}
