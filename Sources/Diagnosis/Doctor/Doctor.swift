/// Explains whether and how a machine can be measured. It changes nothing.
public enum Doctor {
  /// Examines a machine from top to bottom. This takes a few seconds if counters stand still or move in steps.
  public static func examine(_ machine: Machine) -> DoctorReport {
    var examination = Examination(machine)
    examination.lookAtCPU()
    examination.lookAtVirtualization()
    examination.lookAtPackages()
    examination.lookAtContainer()
    examination.lookAtDevices()
    examination.lookAtRegisters()
    examination.lookAtPowercap()
    examination.correctVirtualMachine()
    examination.lookAtTrace()
    examination.lookAtTurbostat()
    examination.lookAtService()
    examination.lookAtOtherMonitors()
    return examination.report
  }
}
