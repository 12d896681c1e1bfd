//! The one binary. Everything it does is in the library, so that tests can reach it.

fn main() -> std::process::ExitCode {
    labkeeper::cli::main()
}
