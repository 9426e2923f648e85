// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "notes",
    platforms: [.macOS(.v12)],
    dependencies: [.package(name: "Sopu", path: "..")],
    targets: [
        .executableTarget(name: "notes", dependencies: [.product(name: "Sopu", package: "Sopu")])
    ],
    swiftLanguageVersions: [.v5]
)
