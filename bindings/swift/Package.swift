// swift-tools-version:5.9
import PackageDescription

// `bindings/swift/build` makes what is not here: the generated sources and the library.
#if os(Linux)
    // A dependent package names this one by path: SwiftPM allows flags only in local packages.
    let library = Context.packageDirectory + "/lib"
    let ffi = Target.systemLibrary(name: "sopuFFI")
    let linking: [LinkerSetting] = [
        .unsafeFlags(["-L\(library)", "-Xlinker", "-rpath", "-Xlinker", library])
    ]
#else
    let ffi = Target.binaryTarget(name: "sopuFFI", path: "sopuFFI.xcframework")
    let linking: [LinkerSetting] = []
#endif

let package = Package(
    name: "Sopu",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "Sopu", targets: ["Sopu"])],
    targets: [
        ffi,
        .target(name: "Sopu", dependencies: ["sopuFFI"], linkerSettings: linking),
        .testTarget(name: "SopuTests", dependencies: ["Sopu"]),
    ],
    // The generator's output is not written for mode 6.
    swiftLanguageVersions: [.v5]
)
