// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors in CI, and only warnings elsewhere, as in the package above.
let strict: [SwiftSetting] = Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

let settings: [SwiftSetting] =
  strict + [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ]

let plainC: [CSetting] = [.unsafeFlags(["-O2", "-std=gnu11", "-Wall", "-Wextra"])]

// The product's own rooms, and beside them the same work in the plainest C: what scripts/benchmark compares.
let package = Package(
  name: "benchmarks",
  dependencies: [.package(name: "pkg-watt-stat", path: "../..")],
  targets: [
    .systemLibrary(name: "CWorkload", path: "CWorkload"),
    .executableTarget(name: "floor", path: "Floor", cSettings: plainC),
    .executableTarget(name: "fanout-floor", path: "FanoutFloor", cSettings: plainC),
    .executableTarget(name: "sampling-floor", path: "SamplingFloor", cSettings: plainC),
    .executableTarget(name: "core-floor", path: "CoreFloor", cSettings: plainC),
    .executableTarget(name: "event-floor", path: "EventFloor", cSettings: plainC),
    .executableTarget(name: "crowd", path: "Crowd", cSettings: plainC),
    .executableTarget(name: "attack", path: "Attack", cSettings: plainC),
    .executableTarget(name: "newcomers", path: "Newcomers", cSettings: plainC),
    .executableTarget(name: "tree-readers", path: "TreeReaders", cSettings: plainC),
    .executableTarget(name: "recorder", path: "Recorder", cSettings: plainC),
    .executableTarget(
      name: "sampling",
      dependencies: [
        "CWorkload", .product(name: "PowerSources", package: "pkg-watt-stat"),
        .product(name: "PowerProtocol", package: "pkg-watt-stat"),
      ],
      path: "Sampling", swiftSettings: settings),
    .executableTarget(
      name: "powercap-table", dependencies: [.product(name: "Powercap", package: "pkg-watt-stat")], path: "Powercap",
      swiftSettings: settings),
  ]
)
