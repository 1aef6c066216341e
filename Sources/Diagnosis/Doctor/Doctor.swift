/// Explains whether and how a machine can be measured. It changes nothing.
public enum Doctor {
  /// Examines a machine from top to bottom. This takes a few seconds if counters stand still or move in steps.
  ///
  /// - Parameters:
  ///   - refusal: why the service would refuse to start as this process, whatever the machine is; nil if it would not.
  ///   - tell: gets each finding as soon as it is certain. A failure is certain once nothing else is left that may measure.
  public static func examine(
    _ machine: Machine, refusal: String? = nil, tell: @escaping (Finding) -> Void = { _ in }
  ) -> DoctorReport {
    var examination = Examination(machine, tell: tell)
    examination.lookAtCPU()
    examination.lookAtVirtualization()
    examination.lookAtPackages()
    examination.lookAtContainer()
    examination.lookAtDevices()
    examination.lookAtRegisters()
    examination.lookAtPowercap()
    examination.takeRefusal(refusal)
    examination.settle()
    examination.lookAtTrace()
    examination.lookAtTurbostat()
    examination.lookAtService()
    examination.lookAtOtherMonitors()
    return examination.report
  }
}
