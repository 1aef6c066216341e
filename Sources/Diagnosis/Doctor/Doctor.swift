/// Explains whether and how a machine can be measured. It changes nothing.
public enum Doctor {
  /// Looks at a machine, top to bottom: takes at most a second where counters stand still.
  public static func examine(_ machine: Machine) -> DoctorReport {
    var examination = Examination(machine)
    examination.lookAtCPU()
    examination.lookAtVirtualization()
    examination.lookAtPackages()
    examination.lookAtDevices()
    examination.lookAtRegisters()
    examination.lookAtPowercap()
    examination.lookAtTrace()
    examination.lookAtTurbostat()
    examination.lookAtService()
    examination.lookAtOtherMonitors()
    return examination.report
  }
}
