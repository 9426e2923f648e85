// The Android library (AAR). Not yet run: see README.md.
plugins {
    id("com.android.library") version "8.13.0"
    kotlin("android") version "2.4.10"
    kotlin("plugin.serialization") version "2.4.10"
}

group = "fi.sopu"
version = "0.1.0"

android {
    namespace = "fi.sopu.android"
    compileSdk = 36

    defaultConfig {
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }

    sourceSets["main"].apply {
        // The very sources of the JVM package, generated ones too (../build makes them).
        kotlin.srcDirs("src/main/kotlin", "../sopu/src/main/kotlin", "../sopu/target/generated-sources")
        // libsopu_bindings.so for each ABI (build-native makes them).
        jniLibs.srcDirs("build/native")
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

// Android has no java.net.http.
tasks.withType<org.jetbrains.kotlin.gradle.tasks.KotlinCompile>().configureEach {
    exclude("fi/sopu/transport/JavaHttp.kt", "**/fi/sopu/transport/JavaHttp.kt")
}

kotlin {
    compilerOptions {
        jvmTarget = org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_17
    }
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.11.0")
    api("org.jetbrains.kotlinx:kotlinx-serialization-json:1.11.0")
    api("androidx.work:work-runtime-ktx:2.10.5")
    api("com.squareup.okhttp3:okhttp:5.5.1")
    // The AAR has libjnidispatch.so for each ABI; the jar would not.
    implementation("net.java.dev.jna:jna:5.19.1@aar")
}
