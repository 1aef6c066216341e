import ArgumentParser
import Logging
import PowerServer
import CMSRShim
@main struct A: ParsableCommand { func run() { print("x") } }
