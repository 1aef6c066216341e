// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors in CI, and only warnings elsewhere, as in the package above.
let strict: [SwiftSetting] = Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

let upcoming: [SwiftSetting] =
  strict + [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ]

let settings: [SwiftSetting] = upcoming + [.strictMemorySafety()]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let powerSources: Target.Dependency = .product(name: "PowerSources", package: "pkg-watt-stat")

// A package of its own, because it needs libfuse3, and the product does not.
let package = Package(
  name: "msr-device",
  dependencies: [
    .package(name: "pkg-watt-stat", path: "../.."),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
  ],
  targets: [
    .systemLibrary(name: "CFUSE", path: "CFUSE", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
    .target(name: "MSRDeviceModel", dependencies: [powerSources], swiftSettings: settings),
    .executableTarget(
      name: "msr-device", dependencies: ["CFUSE", "MSRDeviceModel", powerSources, argumentParser],
      swiftSettings: settings),
    .testTarget(
      name: "MSRDeviceModelTests", dependencies: ["MSRDeviceModel", powerSources], swiftSettings: upcoming),
    .testTarget(name: "MSRDeviceTests", dependencies: ["msr-device", powerSources], swiftSettings: upcoming),
  ]
)
