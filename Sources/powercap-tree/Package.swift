// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors in CI, and only warnings elsewhere, as in the package above.
let strict: [SwiftSetting] = Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

let settings: [SwiftSetting] =
  strict + [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .strictMemorySafety(),
  ]

// A package of its own, because it needs libfuse3, and the service does not. scripts/packaging/powercap-tree builds it.
let package = Package(
  name: "powercap-tree",
  dependencies: [
    .package(name: "pkg-watt-stat", path: "../.."),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
  ],
  targets: [
    .systemLibrary(name: "CFUSE", path: "CFUSE", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
    .executableTarget(
      name: "powercap-tree",
      dependencies: [
        "CFUSE", .product(name: "Powercap", package: "pkg-watt-stat"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),
  ]
)
