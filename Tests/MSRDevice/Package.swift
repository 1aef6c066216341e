// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because it needs libfuse3, and the product does not.
let package = Package(
  name: "msr-device",
  dependencies: [
    .package(name: "pkg-watt-stat", path: "../.."),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
  ],
  targets: [
    .systemLibrary(name: "CFUSE", path: "CFUSE", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
    .target(name: "MSRDeviceModel", dependencies: [.product(name: "PowerSources", package: "pkg-watt-stat")]),
    .executableTarget(
      name: "msr-device",
      dependencies: [
        "CFUSE", "MSRDeviceModel", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(name: "MSRDeviceModelTests", dependencies: ["MSRDeviceModel"]),
  ]
)
