/// Explains whether and how a machine can be measured. It changes nothing.
public enum Doctor {
  /// Examines a machine from top to bottom. This takes a few seconds if counters stand still or move in steps.
  ///
  /// - Parameter refusal: why the service would refuse to start as this process, whatever the machine is; nil if it would not.
  public static func examine(_ machine: Machine, refusal: String? = nil) -> DoctorReport {
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
    examination.takeRefusal(refusal)
    examination.lookAtTurbostat()
    examination.lookAtService()
    examination.lookAtOtherMonitors()
    return examination.report
  }
}
